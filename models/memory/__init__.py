"""Associative memories."""

from snnsim.models.memory.hippocampus import HippocampalMemory as HippocampalMemory
from snnsim.models.memory.hippocampus import Operation as Operation
from snnsim.models.memory.hippocampus import hippocampus as hippocampus
from snnsim.models.memory.hippocampus import schedule as schedule
