# SPDX-License-Identifier: Apache-2.0
"""The command line: it alone talks to people. What is heavy is imported when a command needs it."""

from penchant.cli.app import main

__all__ = ["main"]
