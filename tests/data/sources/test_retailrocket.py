# SPDX-License-Identifier: Apache-2.0
"""RetailRocket: the category as it was first told."""

from publisher import get

HEAD = "timestamp,itemid,property,value\n"


def test_tables(tmp_path):
    made = get("retailrocket", tmp_path, {
        "events.csv": "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n"
        "1433221332118,257597,transaction,355908,4000\n",
        "item_properties_part1.csv": HEAD + "1435460400000,355908,categoryid,1338\n"
        "1441508400000,206783,888,1116713\n",
        "item_properties_part2.csv": HEAD + "1433041200000,355908,categoryid,1000\n1433041200000,5,categoryid,7\n",
        "category_tree.csv": "categoryid,parentid\n1000,213\n7,\n",
    })  # fmt: skip
    assert made.events["type"].to_list() == ["view", "transaction"]
    assert sorted(made.items.rows()) == [(5, "7", None), (355908, "1000", "213")]
