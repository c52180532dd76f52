"""What the daemon finds where it lives, in the doctor's own words, and the settings it runs with."""

import asyncio
import time

from fastapi import APIRouter

from console.api.access import Api, Services
from console.api.identity import Viewer
from console.schema import service as schema
from console.settings import LoadedSettings, render_settings

router = APIRouter(tags=["daemon"])
FRESH = 2.0  # seconds in which what was found is told again: a whole check of the journal is work


@router.get("/doctor")
async def doctor(caller: Viewer, api: Services) -> schema.Checks:
    """Settings, files, disk, journal, backups, certificates; nothing outside is asked."""
    async with api.checking.lock:
        known = api.checking.known
        if known is None or time.monotonic() - api.checking.at > FRESH:
            known = await _look(api)
            api.checking.known, api.checking.at = known, time.monotonic()
    mask = api.masker(caller)
    return known.model_copy(
        update={"checks": [one.model_copy(update={"detail": mask.text(one.detail) or ""}) for one in known.checks]}
    )


async def _look(api: Api) -> schema.Checks:
    from console.doctor.check import perform
    from console.doctor.local import LocalChecks

    redacted = api.services.redactor.text
    done = [await perform(check) for check in LocalChecks(_loaded(api)).all()]
    checks = [
        schema.CheckResult(
            name=one.check.name, state=one.finding.state, detail=redacted(one.finding.detail), remedy=redacted(one.finding.remedy),
            means=one.check.means, ms=one.ms,
        )
        for one in done
    ]  # fmt: skip
    return schema.Checks(at=api.now(), checks=checks)


@router.get("/settings")
async def settings(caller: Viewer, api: Services) -> schema.SettingsView:
    """Every value with where it came from; secrets are masked."""
    loaded, redacted = _loaded(api), api.services.redactor.text
    rows = await asyncio.to_thread(render_settings, loaded)
    shown = [
        schema.SettingView(key=row.key, value=redacted(row.value), source=redacted(row.source), help=row.help)
        for row in rows
    ]
    return schema.SettingsView(file=str(loaded.file) if loaded.file is not None else None, settings=shown)


def _loaded(api: Api) -> LoadedSettings:
    return api.services.loaded or LoadedSettings(api.settings, {}, None)
