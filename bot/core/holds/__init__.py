"""Freezes and locks: what holds back what was planned, and by whom.

    model     a hold, as its row tells it
    naming    what a person means by the name they said
    touching  which holds concern which plan
    wording   how they are said

A freeze stops all new starts; a lock stops those that touch one virtual machine, host or folder. Neither stops what has
been sent to a host, nor keeps anybody from reading or cancelling. It holds until its row has ended: no clock decides.
"""
