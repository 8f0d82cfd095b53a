"""The searchable copy of the journal, and what is handed to auditors of it. The only user of sqlite-utils."""

from bot.audit.copy import AuditCopy
from bot.audit.export import write_csv, write_json, write_table
from bot.audit.verifying import read_head, verify_copy

__all__ = ["AuditCopy", "read_head", "verify_copy", "write_csv", "write_json", "write_table"]
