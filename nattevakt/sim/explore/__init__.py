"""The explorer: seeded stories of whole nights under faults, played and judged. On top of the simulator."""
