"""Actions: one typed function each, exposed on every face.

An action takes one msgspec Struct and answers one; its description, permission and schema come with it. They are found
by the entry point group `brivas.actions`. `send_message` is the first.
"""
