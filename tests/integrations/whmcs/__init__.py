"""The WHMCS client: encodings, tolerant reading, what proves a refusal, whole listings, real sockets."""
