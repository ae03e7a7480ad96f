"""Check a requests table: findings with their level, places and what to do about them."""
