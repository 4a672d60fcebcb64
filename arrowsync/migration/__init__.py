"""Catalog x Catalog -> a plan: `target_catalog`, `diff`, `plan_migration`, and `apply`, the pure model of each change."""
