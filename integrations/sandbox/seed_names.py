"""The names, companies and places that the sandbox's customers are drawn from.

Nobody real can be meant: mail domains are reserved for examples (RFC 2606, JPRS), telephone numbers begin with a zero
after the area or mobile prefix, which no Japanese number does.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Name:
    """``kanji`` with its reading and its Latin spelling."""

    kanji: str
    kana: str
    latin: str


@dataclass(frozen=True)
class Place:
    """A district, in both languages; ``area`` is its telephone area code."""

    postcode: str
    state: str
    city: str
    street: str
    state_en: str
    city_en: str
    street_en: str
    area: str


def _names(text: str) -> tuple[Name, ...]:
    return tuple(Name(*entry.split()) for entry in text.strip().splitlines())


FAMILY_NAMES = _names("""
佐藤 サトウ Sato
鈴木 スズキ Suzuki
高橋 タカハシ Takahashi
田中 タナカ Tanaka
伊藤 イトウ Ito
渡邊 ワタナベ Watanabe
山本 ヤマモト Yamamoto
中村 ナカムラ Nakamura
小林 コバヤシ Kobayashi
加藤 カトウ Kato
吉田 ヨシダ Yoshida
山田 ヤマダ Yamada
佐々木 ササキ Sasaki
山口 ヤマグチ Yamaguchi
松本 マツモト Matsumoto
井上 イノウエ Inoue
木村 キムラ Kimura
林 ハヤシ Hayashi
齋藤 サイトウ Saito
清水 シミズ Shimizu
山崎 ヤマザキ Yamazaki
森 モリ Mori
池田 イケダ Ikeda
橋本 ハシモト Hashimoto
阿部 アベ Abe
石川 イシカワ Ishikawa
前田 マエダ Maeda
藤田 フジタ Fujita
小笠原 オガサワラ Ogasawara
後藤 ゴトウ Goto
髙木 タカギ Takagi
長谷川 ハセガワ Hasegawa
""")

GIVEN_NAMES = _names("""
太郎 タロウ Taro
花子 ハナコ Hanako
健一 ケンイチ Kenichi
陽子 ヨウコ Yoko
大輔 ダイスケ Daisuke
美咲 ミサキ Misaki
翔太 ショウタ Shota
さくら サクラ Sakura
拓也 タクヤ Takuya
結衣 ユイ Yui
直樹 ナオキ Naoki
葵 アオイ Aoi
誠 マコト Makoto
由美子 ユミコ Yumiko
蓮 レン Ren
千尋 チヒロ Chihiro
悠真 ユウマ Yuma
真由美 マユミ Mayumi
隆 タカシ Takashi
七海 ナナミ Nanami
""")

FOREIGN_NAMES = (
    ("Emily", "Carter"),
    ("James", "O'Neill"),
    ("Sofía", "García López"),
    ("Lukas", "Müller"),
    ("Chloé", "Dubois"),
    ("Wei", "Chen"),
    ("Nguyễn", "Thị Mai"),
    ("Olivia", "Smith-Jones"),
    ("Raj", "Patel"),
    ("Anna", "Kowalska"),
    ("Min-jun", "Kim"),
    ("Daniel", "van den Berg"),
)

COMPANIES_JA = (
    "株式会社青空システムズ",
    "有限会社みなと商店",
    "合同会社ひかり企画",
    "株式会社北斗貿易",
    "医療法人あおば会",
    "株式会社さくらデザイン事務所",
)
COMPANIES_EN = ("Sakura Trading K.K.", "Blue Harbour Ltd.", "Tanaka & Sons", "Fuji Analytics G.K.", "Kite Studio K.K.")

MAIL_DOMAINS = ("example.com", "example.net", "example.org", "example.jp", "example.co.jp", "example.ne.jp")


def _places(text: str) -> tuple[Place, ...]:
    return tuple(Place(*(part.strip() for part in line.split("|"))) for line in text.strip().splitlines())


PLACES = _places("""
100-0005 | 東京都 | 千代田区 | 丸の内 | Tokyo | Chiyoda-ku | Marunouchi | 03
150-0002 | 東京都 | 渋谷区 | 渋谷 | Tokyo | Shibuya-ku | Shibuya | 03
160-0022 | 東京都 | 新宿区 | 新宿 | Tokyo | Shinjuku-ku | Shinjuku | 03
106-0032 | 東京都 | 港区 | 六本木 | Tokyo | Minato-ku | Roppongi | 03
220-0012 | 神奈川県 | 横浜市西区 | みなとみらい | Kanagawa | Yokohama-shi Nishi-ku | Minatomirai | 045
330-0854 | 埼玉県 | さいたま市大宮区 | 桜木町 | Saitama | Saitama-shi Omiya-ku | Sakuragicho | 048
530-0001 | 大阪府 | 大阪市北区 | 梅田 | Osaka | Osaka-shi Kita-ku | Umeda | 06
600-8216 | 京都府 | 京都市下京区 | 東塩小路町 | Kyoto | Kyoto-shi Shimogyo-ku | Higashi-Shiokoji-cho | 075
650-0021 | 兵庫県 | 神戸市中央区 | 三宮町 | Hyogo | Kobe-shi Chuo-ku | Sannomiyacho | 078
460-0008 | 愛知県 | 名古屋市中区 | 栄 | Aichi | Nagoya-shi Naka-ku | Sakae | 052
810-0001 | 福岡県 | 福岡市中央区 | 天神 | Fukuoka | Fukuoka-shi Chuo-ku | Tenjin | 092
060-0042 | 北海道 | 札幌市中央区 | 大通西 | Hokkaido | Sapporo-shi Chuo-ku | Odori-nishi | 011
980-0811 | 宮城県 | 仙台市青葉区 | 一番町 | Miyagi | Sendai-shi Aoba-ku | Ichibancho | 022
900-0015 | 沖縄県 | 那覇市 | 久茂地 | Okinawa | Naha-shi | Kumoji | 098
""")
