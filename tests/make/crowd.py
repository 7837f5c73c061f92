"""A country's worth of missions, the same at each run: for what is measured or explained at size."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

T = TypeVar("T")

VERBS = (
    "Refondre Créer Animer Relire Traduire Concevoir Organiser Préparer Mettre à jour|Rédiger Structurer "
    "Chiffrer Former à|Photographier Cartographier Moderniser Sécuriser Auditer Simplifier Lancer"
)
THINGS = (
    "notre site web|notre comptabilité|la charte graphique|le plan de communication|un tableau de bord|"
    "le dossier de subvention|la base de données|les contrats de travail|le rapport annuel|une campagne de dons|"
    "les statuts de l’association|la boutique solidaire|un atelier de CV|le budget de l’année|la newsletter|"
    "une vidéo de présentation|l’accueil des bénévoles|la conformité RGPD|le réseau informatique|l’épicerie solidaire"
)
FOR_WHOM = (
    "|pour les familles|pour nos bénévoles|avec les habitants|pour le public|pour nos partenaires|avec les jeunes|"
    "pour la rentrée|pour les aidants|avec l’équipe"
)
SENTENCES = (
    "Notre équipe compte quatre salariés et une centaine de bénévoles.|Les outils actuels datent et ne servent plus.|"
    "Nous cherchons quelqu’un de patient qui explique ce qu’il fait.|Le besoin est précis et le calendrier réaliste.|"
    "Une personne de l’association suivra chaque étape.|Les accès et les documents sont prêts.|"
    "Le résultat servira à toutes nos antennes.|Deux réunions suffisent pour cadrer le travail.|"
    "Nous avons essayé seuls et nous nous sommes arrêtés en route.|Tout peut se faire à distance en soirée.|"
    "Le public accueilli a besoin de textes simples et d’images claires.|Rien n’est urgent mais tout est attendu."
)
FORMATS = {"short": 1_200, "project": 3_000, "consultation": 60, "mentoring": 900, "team_day": 420}
CAUSES = (
    "education solidarite-insertion environnement culture-loisirs sante emploi sport numerique humanitaire "
    "vivre-ensemble animaux memoire-et-citoyennete recherche communication gestion-finance-droit"
)
_ASSOCIATION = (
    "id",
    "state",
    "name",
    "legal_form",
    "purpose",
    "postal_code",
    "city",
    "contact_email",
    "created_at",
)
_INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'mission_search' AND indexname NOT LIKE '%pkey'
"""
_MISSION = (
    *("id", "association_id", "state", "title", "summary", "description", "deliverable", "format", "causes"),
    *(
        "skills",
        "places",
        "taken",
        "effort_minutes",
        "regimes",
        "remote",
        "postal_code",
        "starts_on",
        "ends_on",
    ),
    *("closes_on", "languages", "created_by", "created_at", "published_at"),
)


async def fill(connection: asyncpg.Connection, *, missions: int, associations: int) -> None:
    """Publish so many missions of so many associations, as a superuser whom no trigger stops."""
    random = Random(20_261_123)  # noqa: S311 - the same at each run is what is wanted
    communes = await connection.fetch(
        "SELECT postal_code, name, department IN ('75', '69', '13') AS city FROM commune ORDER BY postal_code, insee"
    )
    skills = [row["id"] for row in await connection.fetch("SELECT id FROM skill ORDER BY id")]
    now = datetime.now(UTC)
    hosts = [_uuid(random) for _ in range(associations)]
    await connection.execute("SET session_replication_role = replica")
    await connection.copy_records_to_table(
        "association", columns=_ASSOCIATION, records=_associations(random, hosts, now)
    )
    await connection.copy_records_to_table(
        "mission",
        columns=_MISSION,
        records=_missions(random, missions, hosts, skills, [tuple(row) for row in communes], now),
    )
    indexes = await connection.fetch(_INDEXES)
    for row in indexes:
        await connection.execute(f"DROP INDEX {row['indexname']}")
    await connection.execute(
        "INSERT INTO mission_search SELECT s.* FROM mission_shown s JOIN mission m USING (id) WHERE created_by = $1",
        hosts[0],
    )
    for row in indexes:
        await connection.execute(row["indexdef"])
    await connection.execute(
        """INSERT INTO search_word SELECT DISTINCT word
           FROM (SELECT DISTINCT title FROM mission_search) t,
                regexp_split_to_table(lower(unaccent(title)), '[^[:alnum:]]+') word
           WHERE length(word) BETWEEN 4 AND 40 ON CONFLICT DO NOTHING"""
    )
    await connection.execute("SET session_replication_role = origin")
    await connection.execute("VACUUM ANALYZE")


def _associations(random: Random, hosts: list[UUID], now: datetime) -> Iterator[tuple[Any, ...]]:
    for number, host in enumerate(hosts):
        yield (
            host,
            "verified",
            f"Association {number}",
            "association",
            "Aider.",
            "69007",
            "Lyon",
            "a@b.example",
            now,
        )


def _missions(
    random: Random,
    count: int,
    hosts: list[UUID],
    skills: list[str],
    communes: list[tuple[str, str, bool]],
    now: datetime,
) -> Iterator[tuple[Any, ...]]:
    verbs = [verb for part in VERBS.split("|") for verb in ([part] if " à" in part[-3:] else part.split(" "))]
    things, whom, sentences = THINGS.split("|"), FOR_WHOM.split("|"), SENTENCES.split("|")
    causes, formats = CAUSES.split(), list(FORMATS)
    weights = {
        len(each): _skewed(len(each)) for each in (verbs, things, whom, causes, formats, skills, hosts)
    }
    cities = [commune for commune in communes if commune[2]]

    def one(values: list[T]) -> T:
        return random.choices(values, cum_weights=weights[len(values)])[0]

    for number in range(count):
        format_ = one(formats)
        published = now - timedelta(minutes=number * 2, seconds=random.random())
        starts = now.date() + timedelta(days=random.randint(5, 240))
        place = random.choice(cities if random.random() < 0.5 else communes)
        remote = random.choices(["no", "possible", "full"], [5, 3, 2])[0]
        named = {one(skills) for _ in range(random.randint(1, 4))}
        yield (
            *(_uuid(random), one(hosts), "published"),
            f"{one(verbs)} {one(things)} {one(whom)}".strip(),
            f"{one(things).capitalize()} à {place[1]}.",
            " ".join(random.sample(sentences, 5)),
            f"{one(things).capitalize()}, prêt à servir.",
            *(format_, list({one(causes), one(causes)})),
            json.dumps([{"skill": name, "level": 2, "essential": True} for name in sorted(named)]),
            *(random.randint(1, 4), 0, FORMATS[format_] * random.randint(8, 12) // 10),
            random.choices(
                [["working_time", "personal_time"], ["working_time"], ["personal_time"]], [7, 2, 1]
            )[0],
            *(remote, None if remote == "full" else place[0], starts, starts + timedelta(days=30), starts),
            *(["fr"] if random.random() < 0.95 else ["fr", "en"], hosts[0], published, published),
        )


def _skewed(count: int) -> list[float]:
    """Weigh so many values as words and needs are: the second half as common as the first, and so on."""
    return list(accumulate(1 / (rank + 2) for rank in range(count)))


def _uuid(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128), version=4)
