"""The daemon's HTTP interface: FastAPI over a Unix socket and, if set, TCP with TLS. Staff only.

Every address stands under ``/api/v1`` (``console.schema.base.PREFIX``). Errors are problem documents
(``console.schema.problem``). Roles: viewer < operator < supervisor < admin. Models: ``console.schema``.

===========================================  ==========  =============================================================
GET  /health (also without the prefix)       nobody      process and journal only → Health
GET  /health/deep                            viewer      everything → DeepHealth
GET  /me                                     viewer      who the daemon takes you for → Me
GET  /openapi.json                           viewer      the contract, machine-readable
GET  /snapshot                               viewer      the book, NDJSON: SnapshotHead, arrays of rows, SnapshotEnd
GET  /feed?after=&epoch=                     viewer      server-sent events → FeedEvent; Last-Event-ID; 410 feed-gone
GET  /orders?filter=&sort=&limit=&offset=    viewer      → OrderList; sort: a column, "-" before it for descending
POST /orders/names                           viewer      NamesRequest → Names (at most 200 ids)
GET  /orders/{id or number}                  viewer      → OrderDetail
GET  /orders/{id or number}/commands         viewer      → list[PossibleCommand]
GET  /orders/{id or number}/records          viewer      live Salesforce, WHMCS, eSIM side by side → Records
GET  /orders/{id or number}/candidates       operator    what an unknown call may have made → CandidatesView
GET  /orders/{id or number}/editable         operator    its fields, and why not or how else → EditForm
GET  /find?text=                             viewer      → FindAnswer
GET  /approvals                              viewer      orders Pending Review, from Salesforce now → Approvals
GET  /failures?filter=                       viewer      grouped by cause → Failures
GET  /needs-person?limit=                    viewer      oldest first, with the acts possible now; limit 0 counts → NeedsPerson
GET  /commands                               viewer      the table → list[CommandInfo]
GET  /system/commands                        viewer      the system's commands, possible now or why not → list[PossibleCommand]
POST /commands/{id}/plan                     its role    PlanRequest → Plan
POST /commands/{id}/submit                   its role    SubmitRequest + Idempotency-Key → Submitted
GET  /commands/results/{idempotency key}     viewer      the stored answer of one's own submit; 404 never seen
GET  /batches  /batches/{id}?after=          viewer      → BatchList, BatchView (after: only items that changed since)
GET  /events?limit=&before=  /gaps  /poison  viewer      → Events, Gaps, Poisons
GET  /mails?state=&order=&limit=             viewer      → Mails
GET  /audit?limit=&before=&actor=&command=&order=  viewer  → Audit
GET  /audit/acts?limit=&before=&filter=      viewer      each intent with its outcome as one act → AuditActs
GET  /profiles?type=&state=&limit=           viewer      → Stock
POST /profiles/import                        operator    body: the CSV file (text/csv); header Portal-Batch → Imported
GET  /integrations                           viewer      → Integrations
POST /reveal                                 operator    RevealRequest → Revealed (audited before it answers)
GET  /tokens   POST /tokens                  admin       → Tokens; NewToken → CreatedToken (the first: socket only)
DELETE /tokens/{id}                          admin       → TokenView
POST /store/backup                           admin       BackupRequest → BackedUp
GET  /doctor                                 viewer      settings, files, journal; nothing outside → Checks
GET  /settings                               viewer      every value with its source, secrets masked → SettingsView
GET  /metrics                                viewer      Prometheus text
===========================================  ==========  =============================================================
"""
