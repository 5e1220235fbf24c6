"""The process `brivas ops`: runs every controller that is installed."""
