"""Parts of the documentation that are written from the code: each module reads one typed place and gives Markdown."""
