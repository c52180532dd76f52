"""A Salesforce org on loopback: REST, OAuth, SOQL, platform events, with the rules of Orders and price books."""
