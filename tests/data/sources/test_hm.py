# SPDX-License-Identifier: Apache-2.0
"""H&M: ids keep their zeros, pictures their paths."""

from penchant.data.sources import hm
from publisher import get, pack


def test_tables(tmp_path):
    article = ["0108775015", "Strap top", "Jersey top with narrow straps.", *hm._ARTICLE]
    files = {
        "transactions_train.csv": "t_dat,customer_id,article_id,price,sales_channel_id\n"
        "2018-09-20,000058a1,0108775015,0.0508,2\n",
        "articles.csv": ",".join(["article_id", "prod_name", "detail_desc", *hm._ARTICLE]) + "\n"
        + ",".join(article) + "\n",
        "customers.csv": "customer_id,FN,Active,club_member_status,fashion_news_frequency,age,postal_code\n"
        "000058a1,,,ACTIVE,NONE,49.0,52043ee2\n",
    }  # fmt: skip
    name = "h-and-m-personalized-fashion-recommendations.zip"
    made = get("h-and-m", tmp_path, {name: pack(tmp_path / "x.zip", files).read_bytes()})
    assert made.events["item_id"].to_list() == ["0108775015"]
    assert made.events["amount"].to_list() == [0.0508]
    assert made.items["image"].to_list() == ["images/010/0108775015.jpg"]
    assert made.items["product_type_name"].to_list() == ["product_type_name"]
    assert made.users.rows() == [("000058a1", 49.0, "ACTIVE", "NONE")]
