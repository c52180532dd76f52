"""Describe: the schema in the form in which REST tells it (global list, one object, a query's columns)."""

from typing import Any

from integrations.sandbox.salesforce.schema import TEXTUAL, Field, Schema, SObject
from integrations.sandbox.salesforce.soql_ast import Call, Path, Query, SubQuery
from integrations.sandbox.salesforce.soql_eval import Soql

SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
}
APEX_TYPES = {
    "id": "Id",
    "reference": "Id",
    "boolean": "Boolean",
    "int": "Integer",
    "date": "Date",
    "datetime": "Datetime",
}


def describe_global(schema: Schema, version: str) -> dict[str, Any]:
    """``GET /sobjects``."""
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [summary(s, version) for s in schema.sobjects]}


def summary(sobject: SObject, version: str) -> dict[str, Any]:
    """What the global list says of one object; also the head of its describe."""
    base = f"/services/data/v{version}/sobjects/{sobject.name}"
    urls = {"sobject": base, "describe": f"{base}/describe", "rowTemplate": f"{base}/{{ID}}"}
    if sobject.event:
        urls["eventSchema"] = f"{base}/eventSchema"
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": sobject.createable,
        "custom": sobject.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": sobject.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": None if sobject.name == "OrderStatus" else sobject.prefix,
        "label": sobject.label,
        "labelPlural": sobject.plural,
        "layoutable": not sobject.event,
        "mergeable": False,
        "mruEnabled": False,
        "name": sobject.name,
        "queryable": not sobject.event,
        "replicateable": not sobject.event,
        "retrieveable": not sobject.event,
        "searchable": not sobject.event,
        "triggerable": True,
        "undeletable": sobject.deletable,
        "updateable": sobject.updateable,
        "urls": urls,
    }


def describe(schema: Schema, sobject: SObject, version: str) -> dict[str, Any]:
    """``GET /sobjects/X/describe``."""
    return {
        "actionOverrides": [],
        "childRelationships": [
            {
                "cascadeDelete": way.cascade,
                "childSObject": way.sobject,
                "deprecatedAndHidden": False,
                "field": way.field,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": way.name,
                "restrictedDelete": False,
            }
            for way in schema.children[sobject.name]
        ],
        "compactLayoutable": not sobject.event,
        "fields": [_field(f, sobject) for f in sobject.fields],
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [],
        "searchLayoutable": not sobject.event,
        "supportedScopes": [{"label": f"All {sobject.plural}", "name": "everything"}],
        **summary(sobject, version),
    }


def _field(field: Field, sobject: SObject) -> dict[str, Any]:
    textual = field.type in TEXTUAL
    length = 18 if field.type in ("id", "reference") else field.length
    return {
        "aggregatable": not field.long and field.type != "boolean",
        "aiPredictionField": False,
        "autoNumber": field.auto_number,
        "byteLength": length * 3 if textual and field.type not in ("id", "reference") else length,
        "calculated": field.calculated,
        "calculatedFormula": None,
        "cascadeDelete": field.cascade,
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": None,
        "controllerName": None,
        "createable": field.createable and sobject.createable,
        "custom": field.custom,
        "defaultValue": _default(field),
        "defaultValueFormula": None,
        "defaultedOnCreate": field.type == "boolean" or field.default is not None or field.name == "OwnerId",
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": field.precision if field.type == "int" else 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": field.external_id,
        "extraTypeInfo": "plaintextarea" if field.type == "textarea" else None,
        "filterable": not field.long,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": not field.long and field.type not in ("double", "currency", "percent", "datetime"),
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.id_lookup or field.external_id,
        "inlineHelpText": None,
        "label": field.label,
        "length": length if textual else 0,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.name_field,
        "namePointing": False,
        "nillable": field.nillable,
        "permissionable": not field.required and field.name != "Id",
        "picklistValues": [
            {
                "active": True,
                "defaultValue": choice.default,
                "label": choice.label or choice.value,
                "validFor": None,
                "value": choice.value,
            }
            for choice in field.picklist
        ],
        "polymorphicForeignKey": False,
        "precision": field.precision,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": field.restricted,
        "scale": field.scale,
        "searchPrefilterable": field.type == "reference",
        "soapType": SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": not field.long,
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable and sobject.updateable,
        "writeRequiresMasterRead": False,
    }


def _default(field: Field) -> Any:
    if field.type == "boolean":
        return bool(field.default)
    chosen = next((choice.value for choice in field.picklist if choice.default), None)
    return field.default if chosen is None else chosen


def query_columns(soql: Soql, query: Query, schema: Schema) -> dict[str, Any]:
    """``GET /query?q=…&columns=true``: parents and sub-queries nest in ``joinColumns``, no record is read."""
    binder = soql.binder(query)
    columns: list[dict[str, Any]] = []
    unnamed = 0
    for item in query.selected:
        if isinstance(item, SubQuery):
            way = schema.child(binder.sobject, item.query.source)
            inner = item.query if way is None else _about(item.query, way.sobject)
            nested = query_columns(soql, inner, schema)["columnMetadata"]
            columns.append(_column(item.query.source, item.query.source, None, nested, aggregate=True))
        elif isinstance(item, Call):
            name = item.alias or f"expr{unnamed}"
            unnamed += item.alias is None
            columns.append(_column(name, item.text, None, [], aggregate=True))
        else:
            ways, _, field = binder.walk(item)
            _add(columns, [way.relationship or way.name for way in ways], field)
    selected = [item for item in query.selected if isinstance(item, Path)]
    return {
        "columnMetadata": columns,
        "entityName": binder.sobject.name,
        "groupBy": bool(query.group_by),
        "idSelected": any(item.parts[-1].lower() == "id" and len(item.parts) == 1 for item in selected),
        "keyPrefix": binder.sobject.prefix,
    }


def _about(query: Query, source: str) -> Query:
    """The sub-query with its object in the place of the relationship."""
    return Query(query.text, query.selected, source, query.source_at, query.alias)


def _add(columns: list[dict[str, Any]], parents: list[str], field: Field) -> None:
    for parent in parents:
        found = next((column for column in columns if column["columnName"] == parent), None)
        if found is None:
            found = _column(parent, parent, None, [])
            columns.append(found)
        columns = found["joinColumns"]
    columns.append(_column(field.name, field.name, field, []))


def _column(
    name: str, shown: str, field: Field | None, nested: list[dict[str, Any]], *, aggregate: bool = False
) -> dict[str, Any]:
    kind = field.type if field else ""
    numeric = field is not None and field.numeric
    return {
        "aggregate": aggregate,
        "apexType": (APEX_TYPES.get(kind) or ("Double" if numeric else "String")) if field else None,
        "booleanType": kind == "boolean",
        "columnName": name,
        "custom": field is not None and field.custom,
        "displayName": shown,
        "foreignKeyName": field.relationship if field and kind == "reference" else None,
        "insertable": field is not None and field.createable,
        "joinColumns": nested,
        "numberType": numeric,
        "textType": kind in TEXTUAL,
        "updatable": field is not None and field.updateable,
    }
