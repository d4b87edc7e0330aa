"""Items of feeds as they come: titles with outlets, labels and links, one-line descriptions; most of them are alone.

All are made up for these tests. Each has its event (None: alone), outlet, hours since the first, title and description.
"""

from datetime import UTC, datetime, timedelta

FIRST = datetime(2026, 4, 27, 6, tzinfo=UTC)

ITEMS = [
    ("dam", "thecoastherald.com", 0, "Dam breach in Verrin valley forces 4,000 from their homes - The Coast Herald",
     "Residents of three villages below the Verrin dam were moved to schools overnight."),
    ("dam", "Meridian Post", 2, "LIVE: Verrin dam breach: villages evacuated as water rises | Meridian Post",
     "Water from the breached Verrin dam has reached the first houses, firefighters say."),
    ("dam", "Northwire", 3, "Verrin dam breach: what we know about the evacuated villages",
     "Engineers had warned of cracks in the Verrin dam since autumn."),
    ("strike", "lagazettedumidi.fr", 1, "Grève des éboueurs à Marsanne : les poubelles débordent - La Gazette du Midi",
     "Sixième jour de grève des éboueurs à Marsanne, où la mairie réquisitionne des camions."),
    ("strike", "Radio Littoral", 5, "EN DIRECT - Marsanne : la grève des éboueurs entre dans sa deuxième semaine",
     "La grève des éboueurs de Marsanne continue, les négociations avec la mairie ont échoué."),
    ("trial", "eldiariodelsur.es", 4, "El exalcalde de Torreluna, condenado a seis años por el caso Molino - El Diario del Sur",
     "La Audiencia condena al exalcalde de Torreluna por desviar fondos del molino municipal."),
    ("trial", "Canal Vega", 6, "ÚLTIMA HORA: seis años de cárcel para el exalcalde de Torreluna por el caso Molino | Canal Vega",
     "El tribunal considera probado el desvío de fondos en el caso Molino."),
    ("rocket", "Orbit Daily", 7, "WATCH: Halcyon rocket lifts off on first flight to lunar orbit - Orbit Daily",
     "The Halcyon rocket left its pad before dawn with a lunar orbiter on board."),
    ("rocket", "thecoastherald.com", 8, "Halcyon rocket reaches lunar orbit path after first flight - The Coast Herald",
     "Controllers confirmed that the Halcyon rocket had put its lunar orbiter on course."),
    # Alone, though they share a name, a place, a weekday, an agency or a word of the trade with others.
    (None, "thecoastherald.com", 0, "Supreme Court to hear case on fishing quotas - The Coast Herald", "The case was brought by crews."),
    (None, "Northwire", 1, "Supreme Court rejects appeal of former governor | Northwire", "The judges gave no reasons."),
    (None, "Meridian Post", 3, "Supreme Court weighs limits on delivery drones", "A ruling is due in June."),
    (None, "Northwire", 2, "Central bank holds rates as growth slows - Northwire", "Economists had expected a cut."),
    (None, "Orbit Daily", 9, "Bank opens museum of old coins on Monday - Orbit Daily", "Entry is free on Mondays."),
    (None, "Meridian Post", 5, "Monday Briefing: rates, drones and a dam", "What you need to know this morning."),
    (None, "Northwire", 11, "Tuesday Briefing", "A rocket, a ruling and a strike."),
    (None, "thecoastherald.com", 4, "Five things to know today - The Coast Herald", "From the Verrin dam to the Halcyon rocket."),
    (None, "Meridian Post", 8, "BREAKING: Minister resigns over diaries", "Her deputy takes over."),
    (None, "Northwire", 8, "BREAKING: Storm closes northern ports", "Ferries stay in harbour until Thursday."),
    (None, "Orbit Daily", 10, "BREAKING: Telescope loses contact with ground", "Engineers will try again tonight."),
    (None, "Meridian Post", 9, "Opinion: Why cities need more benches", "Sitting down is a right."),
    (None, "Northwire", 7, "Opinion: The quiet death of the phone call", "Nobody rings any more."),
    (None, "Field & Farm", 1, "Wheat prices rise on dry spring - Field & Farm", "Farmers in the plains hope for rain."),
    (None, "Field & Farm", 6, "Dairy farmers turn to robots - Field & Farm", "Milking at midnight without hands."),
    (None, "Field & Farm", 9, "Young farmers want land, not loans - Field & Farm", "Plots are hard to find."),
    (None, "Field & Farm", 12, "Beekeepers count their losses after winter - Field & Farm", "One hive in four is empty."),
    (None, "Field & Farm", 13, "Tractor maker recalls 2,000 machines - Field & Farm", "A valve may stick."),
    (None, "sportline.example", 2, "Rovers sign striker from second division - Sportline", "He scored twelve goals last year."),
    (None, "sportline.example", 3, "Cycling: Haller wins stage in the rain - Sportline", "The leader lost a minute."),
    (None, "sportline.example", 5, "Tennis: Okoro out with knee injury - Sportline", "She hopes to play in Paris."),
    (None, "sportline.example", 7, "Rovers women draw with United - Sportline", "A late goal saved a point."),
    (None, "lagazettedumidi.fr", 2, "Un ours aperçu près de Corvières - La Gazette du Midi", "Les bergers sont inquiets."),
    (None, "lagazettedumidi.fr", 3, "La mairie de Corvières rénove son théâtre - La Gazette du Midi", "Les travaux dureront un an."),
    (None, "lagazettedumidi.fr", 6, "Météo : retour du mistral lundi - La Gazette du Midi", "Des rafales à 90 km/h."),
    (None, "Radio Littoral", 4, "Une librairie flottante sur le canal", "Trois mille livres à bord."),
    (None, "Radio Littoral", 8, "VIDÉO - Le chef qui cuisine les algues", "Sa recette tient en dix minutes."),
    (None, "Radio Littoral", 9, "Le prix du pain augmente encore", "La farine coûte plus cher."),
    (None, "eldiariodelsur.es", 5, "Sube el precio del aceite por la sequía - El Diario del Sur", "Los olivares sufren."),
    (None, "eldiariodelsur.es", 7, "Detienen a un falso médico en Almadena - El Diario del Sur", "Atendía en un garaje."),
    (None, "eldiariodelsur.es", 9, "La feria de Almadena abre el lunes - El Diario del Sur", "Habrá doscientas casetas."),
    (None, "Canal Vega", 3, "ÚLTIMA HORA: corte de luz en el centro", "El suministro volverá esta tarde."),
    (None, "Canal Vega", 10, "Un pueblo dona su biblioteca a la escuela", "Son cinco mil libros."),
    (None, "newsboard.example", 1, "Show: a tiny editor in 300 lines", "Article URL: https://newsboard.example/i/1 Comments URL: https://newsboard.example/c/1 Points: 52 # Comments: 30"),
    (None, "newsboard.example", 2, "Why our database forgot a leap second", "Article URL: https://newsboard.example/i/2 Comments URL: https://newsboard.example/c/2 Points: 120 # Comments: 64"),
    (None, "newsboard.example", 4, "Growing crystals in a kitchen drawer", "Article URL: https://newsboard.example/i/3 Comments URL: https://newsboard.example/c/3 Points: 77 # Comments: 12"),
    (None, "newsboard.example", 6, "The maps that airlines do not print", "Article URL: https://newsboard.example/i/4 Comments URL: https://newsboard.example/c/4 Points: 31 # Comments: 9"),
    (None, "newsboard.example", 8, "A chess engine made of dominoes", "Article URL: https://newsboard.example/i/5 Comments URL: https://newsboard.example/c/5 Points: 210 # Comments: 88"),
    (None, "newsboard.example", 9, "Repairing a 1974 synthesizer", "Article URL: https://newsboard.example/i/6 Comments URL: https://newsboard.example/c/6 Points: 64 # Comments: 21"),
    (None, "@quickwire", 2, "JUST IN - Ferry runs aground, no injuries reported @quickwire", "https://t.example/9a1"),
    (None, "@quickwire", 5, "JUST IN - Airport reopens after fog @quickwire", "https://t.example/9b7"),
    (None, "@quickwire", 9, "JUST IN - Mayor of Lindau steps down @quickwire", "https://t.example/9c2"),
]  # fmt: skip


def articles():
    """The items as mappings, and the label of each: that of its event, or one of its own."""
    rows, labels = [], []
    for number, (event, source, hours, title, text) in enumerate(ITEMS):
        published = FIRST + timedelta(hours=hours, minutes=number)
        rows.append({"id": f"item-{number}", "title": title, "text": text, "source": source, "published": published})
        labels.append(event or f"alone-{number}")
    return rows, labels
