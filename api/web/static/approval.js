// Sends the decision that a button stands for; the page itself, read again, then says what it has become.
const decide = document.getElementById("decide");

async function send(form) {
  const body = JSON.stringify(Object.fromEntries(new FormData(form)));
  const headers = {
    "Content-Type": "application/json",
    "Accept-Language": document.documentElement.lang,
    "If-Match": `"v${decide.dataset.version}-0"`,
  };
  const answer = await fetch(form.dataset.action, { method: "POST", headers, body });
  // Whoever is no longer signed in reads it on the page, with the way to sign in.
  if (answer.ok || answer.status === 401) return null;
  const problem = await answer.json();
  return [problem.detail ?? problem.title, ...(problem.errors ?? []).map((fault) => fault.detail)].join(" ");
}

function show(sentence) {
  const refused = document.getElementById("refused");
  refused.querySelector("p").textContent = sentence;
  refused.hidden = false;
}

function allow(yes) {
  for (const button of decide.querySelectorAll("button")) button.disabled = !yes;
}

for (const form of decide?.querySelectorAll("form") ?? []) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    allow(false);
    const refusal = await send(form).catch(() => decide.dataset.away);
    if (refusal === null) return location.reload();
    show(refusal);
    allow(true);
  });
}
if (decide) decide.hidden = false;
