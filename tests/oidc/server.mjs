// A real OpenID provider on loopback: its settings come as JSON in the first argument; prints its issuer when it listens.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const given = JSON.parse(process.argv[2]);
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "ES256" };
const issuer = `http://127.0.0.1:${given.port}`;

const provider = new Provider(issuer, {
  clients: given.clients,
  jwks: { keys: [key] },
  cookies: { keys: [randomUUID()] },
  clientDefaults: { id_token_signed_response_alg: "ES256" },
  claims: { openid: ["sub", "oid", "groups"], profile: ["given_name", "family_name", "locale"], email: ["email"] },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...given.people[sub] }) }),
  pkce: { required: () => true },
});
provider.on("server_error", (_, error) => console.error(error));
createServer(provider.callback()).listen(given.port, "127.0.0.1", () => console.log(issuer));
