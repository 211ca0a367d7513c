"""Typed configuration: one source for the default YAML, the JSON schema and the key table."""

from wavbrivl.config.root import Config, load_config, overlay, parse_config

__all__ = ["Config", "load_config", "overlay", "parse_config"]
