"""Fewer entries in a routing table: entries of one route are merged where no other packet is caught.

Entries are kept in the order of their routes, the rarest first. A packet is decided by the first entry that matches, so
that a merged entry may cover keys of rarer routes, which have been decided before it, but none of a route that follows
and none that goes straight on. The most frequent route comes last and is merged most freely.

Ideas: ordered merging of pairs by route frequency (Mundy, Heathcote & Garside 2016, "On-chip order-exploiting routing
table minimization for a multicast supercomputer network"; the official tools' pair compressor). Here the entries of
a route are first covered from the top: by one entry, else by two halves, and so on; then pairs are merged.
"""

from __future__ import annotations

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.hardware.spinnaker import constants as c
from snnsim.hardware.spinnaker.tables import ChipTable, Table

Blocks = tuple[np.ndarray, np.ndarray]  # keys and masks


def compressed(chip: ChipTable, where: str, *, target: int | None = None, limit: int | None = None) -> Table:
    """A table that routes every packet of this chip as before, in at most `limit` entries.

    Args:
        chip: what the chip routes.
        where: the chip, for errors.
        target: number of entries at which compression stops; by default `limit`, 0 is as few as it can.
        limit: most entries; by default what a router holds.

    Raises:
        ConfigurationError: more entries than the router holds, with the number that is too many.
    """
    limit = int(c.ROUTER_ENTRIES.value or 0) if limit is None else limit
    target = limit if target is None else target
    if len(chip.table) <= target:
        return chip.table
    found = _compress(chip.table, chip.passing, target)
    if len(found) > limit and len(chip.passing):  # with entries for what goes straight on, more can be merged
        whole = Table(*(np.concatenate([getattr(chip.table, name), getattr(chip.passing, name)])
                        for name in ("key", "mask", "route")))
        other = _compress(whole, Table(*(np.zeros(0, np.int64),) * 3), target)
        found = min(found, other, key=len)
    if len(found) > limit:
        senders = len(chip.table) + len(chip.passing)
        raise ConfigurationError(
            got=f"{len(found):,} routing entries, {len(chip.table):,} before compression",
            expected=f"at most {limit:,}", where=where,
            fix=f"it exceeds by {len(found) - limit:,}: packets of {senders:,} slices pass here, about "
            f"{max(1, senders * limit // len(found)):,} would fit. Put more neurons on a core, shorten delays that "
            "need extensions, or join fewer populations")
    return found


def _compress(table: Table, passing: Table, target: int) -> Table:
    """Merge routes one after the other, the most frequent first, until `target` is reached or nothing is left."""
    routes, group, counts = np.unique(table.route, return_inverse=True, return_counts=True)
    order = np.lexsort((routes, counts))  # the rarest first
    merged: dict[int, Blocks] = {int(k): (table.key[group == k], table.mask[group == k]) for k in order}
    own = dict(merged)
    later: list[Blocks] = [(passing.key, passing.mask)]
    total = len(table)
    for k in order[::-1].tolist():
        against = np.concatenate([keys for keys, _ in later]), np.concatenate([masks for _, masks in later])
        cubes = _cover(own[k], against)
        if total - len(own[k][0]) + len(cubes[0]) > target:
            cubes = _merge_pairs(cubes, against)
        total += len(cubes[0]) - len(own[k][0])
        merged[k] = cubes
        if total <= target:
            break
        later.append(own[k])
    blocks = [merged[int(k)] for k in order]
    return Table(np.concatenate([keys for keys, _ in blocks]), np.concatenate([masks for _, masks in blocks]),
                 np.concatenate([np.full(len(keys), routes[k]) for k, (keys, _) in zip(order, blocks, strict=True)]))


def _hull(keys: np.ndarray, masks: np.ndarray) -> tuple[int, int]:
    """Key and mask of the smallest entry that covers all of these."""
    mask = int(np.bitwise_and.reduce(masks)) & ~int(np.bitwise_or.reduce(keys ^ keys[0]))
    return int(keys[0]) & mask, mask


def _caught(key: int, mask: int, against: Blocks) -> np.ndarray:
    """Which blocks share a packet with an entry."""
    return ((against[0] ^ key) & mask & against[1]) == 0


def _cover(blocks: Blocks, against: Blocks) -> Blocks:
    """Entries that cover all blocks and catch none of `against`: one, or those of two halves, and so on.

    Blocks must be disjoint prefixes. Halves differ in the highest bit in which any two blocks do.
    """
    keys, masks = [], []
    waiting = [(blocks, against)]
    while waiting:
        (some_keys, some_masks), others = waiting.pop()
        key, mask = _hull(some_keys, some_masks)
        caught = _caught(key, mask, others)
        if len(some_keys) == 1 or not caught.any():
            keys.append(key)
            masks.append(mask)
            continue
        others = others[0][caught], others[1][caught]  # only these can be caught by a part
        differing = int(np.bitwise_and.reduce(some_masks)) & int(np.bitwise_or.reduce(some_keys ^ some_keys[0]))
        high = (some_keys >> (differing.bit_length() - 1)) & 1 == 1
        waiting += [((some_keys[half], some_masks[half]), others) for half in (high, ~high)]
    return np.array(keys, np.int64), np.array(masks, np.int64)


def _merge_pairs(blocks: Blocks, against: Blocks) -> Blocks:
    """Merge entries two by two where the pair catches none of `against`, nearest pairs first."""
    keys, masks = blocks
    done: list[tuple[int, int]] = []
    while len(keys):
        key, mask = int(keys[-1]), int(masks[-1])
        keys, masks = keys[:-1], masks[:-1]
        joint = masks & mask & ~(keys ^ key)
        for k in np.argsort(-np.bitwise_count(joint), kind="stable").tolist():
            wide = int(joint[k])
            if not _caught(key & wide, wide, against).any():
                keys[k], masks[k] = key & wide, wide
                break
        else:
            done.append((key, mask))
    done.reverse()
    return np.array([key for key, _ in done], np.int64), np.array([mask for _, mask in done], np.int64)
