"""Brivas, the base package: resources, clients of the engine, the command line, and the extension `brivas._core`.

The faces towards callers stand in `brivas_gateways`, the controllers in `brivas_orchestration`; both import this
package and never each other. They announce themselves by entry points (`brivas.commands`, `brivas.kinds`,
`brivas.actions`, `brivas.controllers`).
"""
