"""What the embedded world contains: ten event classes and the words for their parameters."""

from dataclasses import dataclass

LEVELS = 5


@dataclass(frozen=True)
class EventClass:
    """A thing that is seen and heard.

    Attributes:
        name: short key that `sounds` and `pictures` know it by.
        label: English label in VGG-Sound's style, "<noun> <verb>".
        noun, verb: the two parts of `label`.
        zh: Chinese label, a noun.
        zh_one: "a" with the noun's measure word.
        zh_verb: what it does.
        hue: of the object, in degrees; instances spread widely around it.
    """

    name: str
    label: str
    zh: str
    zh_one: str
    zh_verb: str
    hue: float

    @property
    def noun(self) -> str:
        return self.label.rsplit(" ", 1)[0]

    @property
    def verb(self) -> str:
        return self.label.rsplit(" ", 1)[1]


CLASSES: tuple[EventClass, ...] = (
    EventClass("bell", "bell ringing", "铃", "一只", "响着", 45),
    EventClass("balloon", "balloon swelling", "气球", "一个", "胀着", 350),
    EventClass("rocket", "rocket rising", "火箭", "一枚", "上升", 0),
    EventClass("drop", "water drop falling", "水滴", "一颗", "下落", 205),
    EventClass("ball", "ball bouncing", "皮球", "一个", "弹跳", 25),
    EventClass("wheel", "wheel rattling", "车轮", "一个", "转动", 280),
    EventClass("bird", "bird singing", "小鸟", "一只", "歌唱", 170),
    EventClass("cloud", "rain cloud pouring", "雨云", "一朵", "下雨", 225),
    EventClass("car", "car humming", "汽车", "一辆", "行驶", 130),
    EventClass("clock", "clock ticking", "时钟", "一座", "滴答", 80),
)

BY_NAME: dict[str, EventClass] = {event.name: event for event in CLASSES}

PAIRS: tuple[tuple[str, str], ...] = (("bell", "balloon"), ("rocket", "drop"), ("ball", "wheel"))
"""Classes with one long-term spectrum, told apart by the order of events in time only."""

SIZE_EN = ("tiny", "small", "medium-sized", "large", "huge")
RATE_EN = ("very slowly", "slowly", "steadily", "quickly", "very quickly")
TONE_EN = ("at midnight", "at dusk", "on a grey day", "in daylight", "at high noon")
SIZE_ZH = ("极小的", "较小的", "中等的", "很大的", "巨大的")
RATE_ZH = ("极慢地", "缓慢地", "平稳地", "快速地", "飞快地")
TONE_ZH = ("深夜里", "黄昏时", "阴天里", "白天里", "正午时")

TEMPLATES = 2
"""Sentence templates for each language."""


def level(value: float) -> int:
    """Which of the five words a parameter in [0, 1] is named by, 0 to 4."""
    return min(LEVELS - 1, int(value * LEVELS))


def caption_en(event: EventClass, size: float, rate: float, tone: float, template: int) -> str:
    """English sentence with the label and one word group for each parameter in [0, 1]."""
    thing = f"a {SIZE_EN[level(size)]} {event.label} {RATE_EN[level(rate)]}"
    when = TONE_EN[level(tone)]
    return (f"{thing} {when}", f"{when}, {thing}")[template]


def caption_zh(event: EventClass, size: float, rate: float, tone: float, template: int) -> str:
    """Chinese sentence with the label and one word group for each parameter in [0, 1]."""
    thing = f"{event.zh_one}{SIZE_ZH[level(size)]}{event.zh}"
    when, how = TONE_ZH[level(tone)], f"{RATE_ZH[level(rate)]}{event.zh_verb}"
    return (f"{thing}在{when}{how}", f"{when}，{thing}{how}")[template]
