"""What the pages say, in English and in French."""

from api.core.language import Words

WORDS = {
    "sign_in_title": Words("Sign in to answer", "Connectez-vous pour répondre"),
    "sign_in_why": Words(
        "Your agreement may be asked here. Only your company’s people may read what is asked: sign in first.",
        "Votre accord est peut-être demandé ici. Seules les personnes de votre entreprise peuvent lire la demande : "
        "connectez-vous d’abord.",
    ),
    "sign_in": Words("Sign in with my company", "Me connecter avec mon entreprise"),
    "sign_in_lost": Words(
        "This link does not name your company: open the one of the mail that you received, whole.",
        "Ce lien ne nomme pas votre entreprise : ouvrez celui du courriel que vous avez reçu, en entier.",
    ),
    "asked_title": Words("{applicant} asks for your agreement", "{applicant} demande votre accord"),
    "agreed_title": Words("The agreement is given", "L’accord est donné"),
    "begun_title": Words("The agreement is given", "L’accord est donné"),
    "ended_title": Words("There is nothing left to decide", "Il n’y a plus rien à décider"),
    "asked": Words(
        "{applicant} would like to take part in this mission on working time.",
        "{applicant} souhaite participer à cette mission sur son temps de travail.",
    ),
    "agreed": Words(
        "Your company agrees. It may take its agreement back until the first day.",
        "Votre entreprise a donné son accord. Elle peut le retirer jusqu’au premier jour.",
    ),
    "begun": Words(
        "Your company agreed, and the first day has come: the agreement stands.",
        "Votre entreprise a donné son accord et le premier jour est venu : l’accord est acquis.",
    ),
    "employer_refused": Words(
        "Your company did not agree, or took its agreement back.",
        "Votre entreprise n’a pas donné son accord, ou l’a retiré.",
    ),
    "withdrawn": Words("{applicant} withdrew this application.", "{applicant} a retiré cette candidature."),
    "declined": Words("The association chose other people.", "L’association a retenu d’autres personnes."),
    "expired": Words(
        "This application ended without an answer in time.",
        "Cette candidature a pris fin, faute de réponse à temps.",
    ),
    "cancelled": Words("The association ended this engagement.", "L’association a mis fin à cet engagement."),
    "completed": Words("The mission is over.", "La mission est terminée."),
    "no_show": Words("The mission is over.", "La mission est terminée."),
    "who": Words("Who", "Qui"),
    "mission": Words("Mission", "Mission"),
    "association": Words("Association", "Association"),
    "when": Words("When", "Quand"),
    "from_to": Words("from {first} to {last}", "du {first} au {last}"),
    "from": Words("from {first}", "à partir du {first}"),
    "effort": Words("Planned time", "Durée prévue"),
    "terms": Words("Terms", "Cadre"),
    "service": Words("working time, as a service", "temps de travail, prestation de service"),
    "secondment": Words(
        "working time, as a not-for-profit secondment",
        "temps de travail, prêt de main-d’œuvre à but non lucratif",
    ),
    "due": Words("Answer before", "Répondre avant"),
    "due_refuse": Words(
        "{day}, {time}; without an answer, it is refused",
        "{day}, {time} ; sans réponse, l’accord sera refusé",
    ),
    "due_approve": Words(
        "{day}, {time}; without an answer, it is agreed to",
        "{day}, {time} ; sans réponse, l’accord sera donné",
    ),
    "again": Words(
        "This engagement was agreed on {day}: a longer time is asked for now. To refuse ends it.",
        "Cet engagement est convenu depuis le {day} : une durée plus longue est demandée maintenant, et un refus y "
        "mettrait fin.",
    ),
    "agree": Words("Agree", "Donner mon accord"),
    "or_refuse": Words("Or refuse", "Ou refuser"),
    "take_back_title": Words("Take the agreement back", "Retirer l’accord"),
    "reason": Words("Reason", "Motif"),
    "reason_hint": Words("{applicant} will read it.", "{applicant} le lira."),
    "refuse": Words("Refuse", "Refuser"),
    "take_back": Words("Take back", "Retirer l’accord"),
    "no_script": Words(
        "Answering needs JavaScript, which is off in your browser.",
        "Pour répondre, activez JavaScript dans votre navigateur.",
    ),
    "away": Words(
        "The answer could not be sent: check your connection and try again.",
        "La réponse n’a pas pu être envoyée : vérifiez votre connexion et réessayez.",
    ),
    "absent": Words(
        "There is nothing at this address, or it is not yours to see.",
        "Il n’y a rien à cette adresse, ou ce n’est pas à vous de le voir.",
    ),
    "reload": Words("See what it is now", "Voir ce qu’il en est"),
}
