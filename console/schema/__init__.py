"""What travels between daemon and clients: the models of every request and answer, shared by both sides.

Times are seconds since 1970 (UTC) as numbers, amounts whole yen, ids of Salesforce 18 characters. Requests refuse
unknown keys; answers ignore them on reading, so that an older client understands a newer daemon.
"""
