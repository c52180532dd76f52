"""[approve]: who may approve what."""

from pydantic import Field

from console.settings.values import Role, Section


class ApproveSettings(Section):
    limit_yen: dict[Role, int] = Field(
        default_factory=dict,
        description="Role → most yen for one order and for the sum of a bulk approval; a role not named has no limit",
    )
    four_eyes: bool = Field(default=True, description="Who placed an order may not approve it")
