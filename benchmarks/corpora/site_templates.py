"""Pages of twelve made-up sites around the sample articles, with the exact places of the text that is the site's own.

Real pages come with text that belongs to the site and not to the report (the residue): menus, weather, dates of the
visit, link lists, share buttons, boxes for comments and newsletters. Each sample article is placed on two sites of its
language. Some blocks are on some pages of a site only, and dates, temperatures, rates, counts, captchas and linked
titles differ from page to page, as real ones do.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from zlib import crc32

from numpy.random import Generator, default_rng

from dedup import Article, SampleArticle, sample_articles

# For each language: how a site writes a day, its months, its days of the week.
CALENDAR = """
fr; {weekday} {d} {month} {y}
janvier février mars avril mai juin juillet août septembre octobre novembre décembre
lundi mardi mercredi jeudi vendredi samedi dimanche
en; {weekday}, {month} {d}, {y}
January February March April May June July August September October November December
Monday Tuesday Wednesday Thursday Friday Saturday Sunday
es; {weekday} {d} de {month} de {y}
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
lunes martes miércoles jueves viernes sábado domingo
ru; {d} {month} {y}, {weekday}
января февраля марта апреля мая июня июля августа сентября октября ноября декабря
понедельник вторник среда четверг пятница суббота воскресенье
de; {weekday}, {d}. {month} {y}
Januar Februar März April Mai Juni Juli August September Oktober November Dezember
Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag
"""
DAYS = {
    row[0][:2]: (row[0][4:], row[1].split(), row[2].split())
    for row in zip(*[iter(CALENDAR.strip().splitlines())] * 3, strict=True)
}
NUMBERS = {"fr": "trois quatre sept neuf douze quinze", "en": "three four seven nine twelve fifteen"}
BODY = ("headline", "paragraph", "rest")


@dataclass(frozen=True)
class Page:
    """A sample article on a site.

    `article` has the page as its text and the site as its source; `residue` has the (start, stop) of the parts of that
    text that are the site's, in order; `original_id` and `story` are those of the sample article.
    """

    article: Article
    residue: tuple[tuple[int, int], ...]
    original_id: str
    story: str


@dataclass(frozen=True)
class Site:
    """A site: its languages (menus are in the first), the cities and people that pages draw from, and its blocks."""

    name: str
    languages: str
    cities: str
    people: str
    blocks: list[str]


class Visit:
    """The random choices of one page."""

    def __init__(self, site: Site, article: SampleArticle, all_here: Sequence[SampleArticle], rng: Generator) -> None:
        self.article, self.rng, self.language = article, rng, site.languages[:2]
        # Pages are read long after they were published.
        self.time = article.published + timedelta(days=int(rng.integers(0, 400)), minutes=int(rng.integers(0, 1440)))
        self.paragraphs = iter(article.text.split("\n\n"))
        self.cities, self.people = site.cities.split(", "), rng.permutation(site.people.split(", ")).tolist()
        own = article.near_duplicate_group
        others = [a for a in all_here if a.language == article.language and a.near_duplicate_group != own]
        titles = sorted({other.title for other in others} - {article.title})
        self.links = cycle(rng.permutation(titles).tolist())
        # What is most read stays for a month: pages read in one month share these titles.
        self.popular = cycle(titles[self.time.month * 3 % len(titles) :] + titles)

    def day(self, moment: datetime) -> str:
        """A day as the site writes it; Chinese needs no names."""
        if self.language == "zh":
            return f"{moment.year}年{moment.month}月{moment.day}日"
        form, months, week = DAYS[self.language]
        return form.format(weekday=week[moment.weekday()], d=moment.day, month=months[moment.month - 1], y=moment.year)

    def number(self, low: float, high: float, places: int) -> str:
        """A number, with the comma of its language."""
        written = f"{self.rng.uniform(low, high):.{places}f}"
        return written if self.language in ("en", "zh") else written.replace(".", ",")


VALUES: dict[str, Callable[[Visit], str]] = {
    "headline": lambda visit: visit.article.title,
    "paragraph": lambda visit: next(visit.paragraphs, ""),
    "rest": lambda visit: "\n\n".join(visit.paragraphs),
    "today": lambda visit: visit.day(visit.time),
    "clock": lambda visit: f"{visit.time:%H:%M}",
    "year": lambda visit: str(visit.time.year),
    "published": lambda visit: visit.day(visit.article.published),
    "dotted": lambda visit: f"{visit.article.published:%d.%m.%Y, %H:%M}",
    "iso": lambda visit: f"{visit.article.published:%Y-%m-%d %H:%M}",
    "dateline": lambda visit: " ".join(visit.day(visit.article.published).replace(",", "").split()[1:3]),
    "city": lambda visit: str(visit.rng.choice(visit.cities)),
    "degrees": lambda visit: visit.number(-4, 34, 1),
    "rate": lambda visit: visit.number(0.7, 99, 2),
    "change": lambda visit: str(visit.rng.choice(["+", "-"])) + visit.number(0, 2, 2),
    "count": lambda visit: str(int(10 ** visit.rng.uniform(0, 4))),
    "few": lambda visit: str(visit.rng.integers(2, 20)),
    "word": lambda visit: str(visit.rng.choice(NUMBERS[visit.language].split())),
    "author": lambda visit: visit.people[0],
    "editor": lambda visit: visit.people[1],
    "link": lambda visit: next(visit.links),
    "popular": lambda visit: next(visit.popular),
}


def pieces(site: Site, visit: Visit, line_breaks: bool) -> Iterator[tuple[str, bool]]:
    """The pieces of the page, and whether each is residue."""
    between = ""
    for line in site.blocks:
        share, block = re.fullmatch(r"(?:(\d+)% )?(.*)", line).groups()
        if share and visit.rng.uniform(0, 100) >= int(share):
            continue
        parts = re.split(r"\{(\w+)\}", block.replace(" | ", "\n"))
        filled = [(VALUES[part](visit) if i % 2 else part, part not in BODY) for i, part in enumerate(parts)]
        if any(text.strip() for text, _ in filled):  # a short report has no rest
            for text, is_residue in ((between, False), *filled):
                yield text if line_breaks else re.sub(r"\s*\n\s*", " ", text), is_residue
            between = "\n\n"


def laid_out(site: Site, visit: Visit, line_breaks: bool) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The text of the page, and the spans of its residue, without the space around them."""
    text, spans = "", []
    for piece, is_residue in pieces(site, visit, line_breaks):
        start, text = len(text) + len(piece) - len(piece.lstrip()), text + piece
        if is_residue and piece.strip():
            if spans and not text[spans[-1][1] : start].strip():
                start = spans.pop()[0]
            spans.append((start, len(text.rstrip())))
    return text, tuple(spans)


def pages(seed: int = 0, *, line_breaks: bool = True) -> list[Page]:
    """All pages, site by site; each sample article is at two of the sites that publish in its language.

    Parameters
    ----------
    seed : int, default 0
        Decides which article is on which sites, and everything that varies.
    line_breaks : bool, default True
        Whether lines stay lines; otherwise each text is one line, as some extractors leave it.
    """
    placed: dict[str, list[SampleArticle]] = {site.name: [] for site in SITES}
    for article in sample_articles():
        names = [site.name for site in SITES if article.language in site.languages.split()]
        for name in default_rng([seed, crc32(article.id.encode())]).permutation(names)[:2].tolist():
            placed[name].append(article)
    found = []
    for site in SITES:
        for article in placed[site.name]:
            identity = f"{article.id} at {site.name}"
            visit = Visit(site, article, placed[site.name], default_rng([seed, crc32(identity.encode())]))
            text, residue = laid_out(site, visit, line_breaks)
            own = {"title": article.title, "published": article.published, "language": article.language}
            page = Article(id=identity, text=text, source=site.name, **own)
            found.append(Page(page, residue, article.id, article.story))
    return found


# A site: name, languages, cities and people, then blocks with " || " or a new line between them and " | " for a line
# break within a block. A block that starts with "70%" is on that share of the pages. {headline}, {paragraph} (the next
# one) and {rest} are headline and body; all else is residue, drawn as `VALUES` says.
WRITTEN = """
# Minute Savane; fr; Kossaba; Awa Traoré, Issa Kaboré, La Rédaction
spot_img | {degrees} C | {city} | {today} || Accueil | Politique | Économie | Société | Sport | Culture | Contact
60% Suivez-nous sur nos réseaux | spot_img || {headline} || Par {author} - {published} | 0 | {count}
70% Facebook | Twitter | WhatsApp || {rest} || 50% Étiquettes | Actualité | International
Article précédent | {link} | Article suivant | {link} || 80% ARTICLES SIMILAIRES | {link} | {link} | {link}
LAISSER UN COMMENTAIRE Annuler la réponse | Veuillez saisir votre commentaire ! | Veuillez saisir votre nom ici | {few} − {word} =
55% - Publicité -spot_img
spot_img | Articles récents | {popular} | {popular} | © {year} Minute Savane. Tous droits réservés.
# La Dépêche des Quais; fr; Saint-Aubry; Claire Morvan, Julien Hascoët, Nadia Belkacem, Hugues Lartigue
Menu | À la une | Région | Monde | Sports | Loisirs | Obsèques | Annonces légales | Se connecter | S’abonner
{headline} || {author} | Publié le {published} à {clock} • Lecture : {few} min || {paragraph} || Lire aussi : {link}
{paragraph}
75% Cet article est réservé aux abonnés | Il vous reste {few} % de l’article à découvrir. | Déjà abonné ? Identifiez-vous | Profitez de toute l’actualité dès 1 € le premier mois, sans engagement.
{rest} || 40% © Photo : archives La Dépêche des Quais || Ajouter un commentaire | {count} réactions
60% La newsletter du matin | Recevez chaque jour à 7 h l’essentiel de l’actualité. | Votre adresse e-mail | Je m’inscris
À lire également | {link} | {link}
Mentions légales | CGU | Politique de confidentialité | Gérer les cookies | Contacts | Plan du site
# Flash Lutèce; fr; Paris, Lyon, Lille; Kevin D., Sarah M., Flash Lutèce avec agences
EN DIRECT | {popular} | {popular} | {popular} || {headline} || Flash Lutèce > Actu > Info | Par {author}, le {dotted}
{paragraph} || Publicité || {paragraph} || 85% À lire aussi >> {link} || {paragraph}
60% La suite après cette publicité || 50% VOIR AUSSI - {link} | Ça vous a plu ? Partagez ! | {count} partages || {rest}
70% Vous avez repéré une erreur ? Vous souhaitez compléter cette info ? Écrivez-nous
Ne manquez plus rien de l’actu : suivez Flash Lutèce sur Google News et sur notre chaîne WhatsApp
Les plus lus | 1 {popular} | 2 {popular} | 3 {popular}
45% Horoscope du {today} | Météo {city} {degrees}° | Résultats du Loto
# Corvane News Agency; en; LONDON, GENEVA, SINGAPORE; Ruth Adeyemi, Tom Halloran, Mei Castellan, Pavel Orr
{headline} || {city}, {dateline} (Corvane) - {paragraph} || {rest} || (Reporting by {author}; Editing by {editor})
90% Our Standards: The Corvane Code of Editorial Trust.
35% This story was produced by Corvane News Agency and is published from a syndicated feed without changes by our desk.
# The Tidewater Examiner; en; Port Ellery, Saltmarsh; Joan Pickering, Staff Writer, Marcus Teale, Dee Lombardi
Skip to content || {today} | {city} {degrees}°F | Today's Paper | Obituaries | Classifieds | Log In || 50% Advertisement
{headline} || By {author} | {published} at {clock} | {few} min read || {paragraph} || 65% Related: {link} || {paragraph}
40% Advertisement | Story continues below || {rest}
About The Tidewater Examiner | The Tidewater Examiner has covered the coast and its towns since 1887. We are an independent, family-owned newsroom that answers to its readers alone. Our reporters live where you live. If you value local journalism, please consider a subscription, tell a friend, or send us a tip at any hour of the day.
70% Sign up for our morning newsletter | Get the day's top stories in your inbox. | Email address | Subscribe
Most Read | {popular} | {popular} | {popular}
30% We use cookies to improve your experience. By using our site you agree to our Cookie Policy. | Accept All
© {year} The Tidewater Examiner | Privacy Policy | Terms of Use | Do Not Sell My Personal Information
# Channel 9 Newsline; en; Lakeshore; Newsline Staff, Kira Boyd, Anton Reyes
WATCH LIVE | News | Weather | Traffic | Sports | Investigates | Contests
45% 1 weather alert in effect | Dense Fog Advisory until {clock} | Dismiss || {headline}
Posted: {published} | Updated: {today}, {clock} | By {author}
Share on Facebook Share on X Share by Email Copy link Print
30% Photo: {editor} / Channel 9 || 50% Video Player is loading. | Current Time 0:00 | Duration 1:{few} || {paragraph}
60% WATCH: {link} || {rest}
Copyright {year} Newsline Broadcasting. All rights reserved. This material may not be published, broadcast, rewritten or redistributed.
70% Download the free Newsline 9 app for breaking alerts || Trending Now | {popular} | {popular} | {link}
40% LEAVE A REPLY | Please enter your comment! | Please enter your name here | {few} + {word} =
# Волга-Портал; ru; Самара, Казань, Саратов; Ирина Лапшина, Олег Дёмин, Редакция портала
{city} {degrees} °C | USD {rate} {change} | EUR {rate} {change} | Нефть {rate}
Новости | Политика | Общество | Происшествия | Спорт | Афиша | Объявления | Войти || {today}, {clock} || {headline}
{dotted} | Просмотров: {count} | {author} || {paragraph} || 70% Читайте также: {link} || {rest}
60% Подписывайтесь на наш Telegram-канал и узнавайте новости первыми || Поделиться: ВКонтакте Одноклассники Telegram
80% Новости по теме | {link} | {link} | {link}
40% Прогноз погоды: {city} | Сегодня {degrees} °C | Завтра {degrees} °C
Реклама на портале | Контакты | Пользовательское соглашение | 16+
# Вечерний Север; ru; Архангельск; Сергей Ланской, Анна Вельская, Пётр Нечаев
Главная / Лента новостей / В мире || {headline} || Автор: {author} | Фото: из открытых источников || {paragraph}
50% На эту тему: {link} || {rest} || 75% Нашли ошибку в тексте? Выделите её и нажмите Ctrl+Enter
Комментарии ({count}) | Чтобы оставить комментарий, войдите или зарегистрируйтесь
65% Самое читаемое | {popular} | {popular}
Сетевое издание «Вечерний Север», {year}. Все права защищены. При перепечатке гиперссылка обязательна. Мнение редакции может не совпадать с мнением авторов. На сайте применяются рекомендательные технологии. 18+
# Cono Sur Hoy; es pt; Buenos Aires, Montevideo, Porto Alegre; Lucía Ferrandi, Martín Oyola, Bruno Tavares
{today} | {city} {degrees}ºC | Dólar {rate} | Euro {rate} | Riesgo país {count}
Inicio | Mundo | Economía | Deportes | Espectáculos | Suscribite || {headline} || Por {author} | {dotted} hs
60% Escuchar nota | Compartir en Facebook | Compartir en X | Guardar || {paragraph} || 70% Te puede interesar: {link}
{rest} || 35% Seguí leyendo | {link} | {link}
Comentarios | Para comentar tenés que iniciar sesión | {count} comentarios
65% Últimas noticias | {link} | {link} | {link} || 50% Recibí las noticias en tu correo | Quiero suscribirme
© {year} Cono Sur Hoy | Aviso legal | Política de privacidad | Publicidad | Contacto
# Elbe-Post Online; de; Hamburg, Dresden; Katrin Vollmer, Jens Adomeit, Silke Harms
E-Paper | Abo | Anmelden | Startseite | Politik | Wirtschaft | Panorama | Sport | Wetter: {city} {degrees} °C
{headline} || Von {author} | Stand: {dotted} Uhr | Lesedauer: {few} Min.
55% Artikel merken | Artikel drucken | Teilen || {paragraph} || 50% Anzeige || 70% Lesen Sie auch: {link} || {rest}
45% Quelle: Elbe-Post mit Material der Agenturen || Mehr zum Thema | {link} | {link}
60% Newsletter bestellen | Die wichtigsten Nachrichten des Tages, jeden Abend um 18 Uhr | Jetzt kostenlos anmelden
Impressum | Datenschutz | AGB | Cookie-Einstellungen | Barrierefreiheit | Verträge hier kündigen
# 海岸新闻网; zh; 青岛; 陈立, 王思远, 周敏
首页 > 新闻中心 > 国际新闻 || {headline} || {iso} 来源：海岸新闻网 作者：{author} | 字号：大 中 小 || 60% 分享到：微信 微博 QQ空间 || {paragraph}
50% 相关阅读：{link} || {rest} || （责任编辑：{editor}） || 70% 热点推荐 | {link} | {link} | {link} || 55% 已有{count}人参与评论 | 登录后发表评论
版权声明：凡本网注明来源的作品，未经授权不得转载。 | Copyright © {year} 海岸新闻网 版权所有
# Globe Mirror Daily; en es pt de zh; Valletta, Nicosia; GMD Desk, Partner Feed, Syndication
{degrees} C | {city} | {today} || 40% Download The App: | spot_img || 60% Read in English || {headline}
Source: {author} | Published {iso} | Listen to this article {few} min || {paragraph} || 45% - Advertisement - | spot_img
{rest} || 50% You may also like | {link} | {link}
LEAVE A REPLY Cancel reply | Please enter your comment! | Please enter your name here | Save my name, email, and website in this browser for the next time I comment. | {few} + {word} =
70% Must Read | {popular} | {popular} | {popular}
Follow us | Facebook | Instagram | Telegram | YouTube | © {year} Globe Mirror Daily. Powered by volunteers.
"""  # noqa: E501
SITES = [
    Site(*header.split("; "), " || ".join(lines).split(" || "))
    for header, *lines in (part.splitlines() for part in WRITTEN.split("# ")[1:])
]
