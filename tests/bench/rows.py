"""What is asked in each row of the benchmark: many paths of one kind, asked in turn."""

from itertools import product
from urllib.parse import quote

import asyncpg

EACH = 40
CAUSES = [
    "education",
    "solidarite-insertion",
    "environnement",
    "numerique",
    "culture-loisirs",
    "sport",
    "emploi",
    "sante",
]
FORMATS = ["project", "short", "consultation", "mentoring", "team_day"]
WORDS = [
    "comptabilite",
    "refonte site internet",
    "graphsime",
    "traduction",
    "site web refuge",
    "atelier CV",
    "réseaux sociaux",
    "logo",
    "budget association",
    "translate guide",
    "sauvegarder données",
    "juridique statuts",
    "rgpd",
    "video",
    "tableau de bord",
    "mecenat",
    "benevoles recruter",
    "annual report",
    "carbone",
    "photograpie",
    "soutien scolaire",
    "coaching",
    "assurance",
    "formation logiciel",
    "entretien embauche",
    "refugies",
    "handball",
    "theatre communication",
    "jardin",
    "seniors",
    "epicerie comptabilite",
    "contrat",
    "radio locale site",
    "enquete familles",
    "impact",
    "anglais",
    "diagnostic financier",
    "logistique collecte",
    "cybersecurite",
    "francais",
]
_PLACES = "SELECT latitude, longitude FROM commune ORDER BY md5(insee || postal_code) LIMIT $1"
_MISSIONS = "SELECT id FROM mission_search WHERE closes_at > now() ORDER BY md5(id::text) LIMIT $1"


async def rows(connection: asyncpg.Connection) -> dict[str, list[str]]:
    """Give the paths of each row, by its name."""
    search = "/v1/missions"
    return {
        "list": [search],
        "two filters": [
            f"{search}?cause={cause}&format={format_}" for cause, format_ in product(CAUSES, FORMATS)
        ],
        "text": [f"{search}?q={quote(words)}" for words in WORDS],
        "radius of 20 km": [
            f"{search}?near={latitude:.4f},{longitude:.4f}&radius_km=20"
            for latitude, longitude in await connection.fetch(_PLACES, EACH)
        ],
        "by id": [f"{search}/{row['id']}" for row in await connection.fetch(_MISSIONS, EACH)],
    }
