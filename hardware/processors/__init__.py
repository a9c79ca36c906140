"""General processors and plain arithmetic."""
