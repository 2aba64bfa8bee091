# SPDX-License-Identifier: Apache-2.0
"""Penchant learns what each person leans toward, and answers at once."""

__version__ = "0.1.0"
