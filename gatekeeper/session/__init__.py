"""A live session: from the first connection to its end, with an operator."""
