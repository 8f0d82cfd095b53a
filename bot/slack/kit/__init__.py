"""What Slack takes: blocks, messages and views, judged before they are sent.

The one place that decides. Ferry asks it before it sends, and sends plain text instead of what would be refused; the
stand-in for Slack asks it too, and refuses with Slack's own error. It knows nothing of what Ferry says.
"""
