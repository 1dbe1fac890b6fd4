"""Features as they are published or laid down: layouts, axes, rates, statistics."""
