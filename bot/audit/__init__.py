"""The searchable copy of the journal, and what is handed to auditors of it. The only user of sqlite-utils."""

from bot.audit.copy import AuditCopy, read_copy, read_head
from bot.audit.export import write_csv, write_json, write_table

__all__ = ["AuditCopy", "read_copy", "read_head", "write_csv", "write_json", "write_table"]
