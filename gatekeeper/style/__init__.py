"""How a session looks wherever it is shown: colours, words, and the parts that several pages share."""
