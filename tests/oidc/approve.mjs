// A real browser does what an employer does with the link of a mail; prints what it saw as JSON.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const given = JSON.parse(process.argv[2]);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
const saw = { complaints: [], hosts: [], pages: {} };

const browser = await chromium.launch({ executablePath: given.chromium, args: ["--no-sandbox"] });
const context = await browser.newContext({ locale: given.locale, viewport: { width: 360, height: 640 } });
context.setDefaultTimeout(30_000);

// The provider's own pages are not ours to judge.
const ours = (address) => address.startsWith(new URL(given.url).origin);
await context.route((url) => url.hostname !== "127.0.0.1" && url.protocol !== "data:", (route) => route.abort());
context.on("request", (request) => ours(request.frame().url()) && saw.hosts.push(new URL(request.url()).hostname));

function watched(page) {
  page.on("console", (said) => said.type() === "error" && ours(page.url()) && saw.complaints.push(said.text()));
  page.on("pageerror", (error) => saw.complaints.push(String(error)));
  return page;
}

// What a page says, whether it fits in 360 pixels, and what it fails of WCAG 2.2 AA.
async function look(page, name) {
  await page.evaluate(axe);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
  const { violations } = await page.evaluate((values) => axe.run({ runOnly: { type: "tag", values } }), tags);
  saw.pages[name] = {
    says: await page.locator("main").innerText(),
    language: await page.locator("html").getAttribute("lang"),
    width: await page.evaluate(() => document.documentElement.scrollWidth),
    violations: violations.map((each) => each.id),
    buttons: await page.getByRole("button").allInnerTexts(),
  };
}

// Presses Tab until an element of that name has the focus, then Enter: no mouse is needed.
async function press(page, role, name) {
  const wanted = page.getByRole(role, { name });
  for (let turn = 0; turn < 20; turn++) {
    if (await wanted.evaluate((element) => element === document.activeElement)) return page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
  }
  throw new Error(`${name} cannot be reached by Tab`);
}

const words = given.words;
const page = watched(await context.newPage());
await page.goto(given.url);
await look(page, "signed_out");
await press(page, "link", words.sign_in);
await page.locator("input[name=login]").fill(given.login);
await page.locator("input[name=password]").fill("any");
const submit = (prompt) => page.locator(`form:has(input[name=prompt][value=${prompt}]) [type=submit]`).click();
await submit("login");
await submit("consent");
await page.waitForURL(given.url);
await look(page, "asked");

const other = watched(await context.newPage());
await other.goto(given.url);

await context.setOffline(true);
await press(page, "button", words.agree);
await page.getByText(words.away).waitFor();
await context.setOffline(false);
await press(page, "button", words.refuse); // without a reason the browser says so, and nothing is sent
saw.missing = await page.locator("#reason").evaluate((element) => element.validity.valueMissing);
const answered = page.waitForEvent("load");
await press(page, "button", words.agree);
await answered;
await look(page, "agreed");

await other.locator("#reason").fill("Trop tard.");
await press(other, "button", words.refuse);
await other.getByRole("alert").getByRole("link").waitFor();
await look(other, "stale");
const seen = other.waitForEvent("load");
await press(other, "link", words.reload);
await seen;
await other.getByLabel(words.reason).fill("La clôture est avancée.");
const taken = other.waitForEvent("load");
await press(other, "button", words.take_back);
await taken;
await look(other, "taken_back");

await browser.close();
console.log(JSON.stringify(saw));
