"""Ready networks and recipes, each a function of sizes and a key (imported as snnsim.models)."""
