"""The transfer check: was each single disclosure allowed at the moment it was made (policy 4 and 8)."""
