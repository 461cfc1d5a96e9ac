// A real OpenID provider (oidc-provider) and a real SAML provider (samlify) on the loopback.
//
// Says its addresses on the first line of its output, then reads one line of JSON: who may use it.
// { oidc: { client_id, client_secret, redirect_uris, post_logout_redirect_uris },
//   saml: { key, certificate, metadata } }
// Then it says "ready". Everybody may log in with any name; `people` says what is known of them.

import http from "node:http";
import { createInterface } from "node:readline";
import { randomUUID } from "node:crypto";
import Provider from "oidc-provider";
import samlify from "samlify";

const people = (name) => ({ email: `${name}@acme.example`, name: name[0].toUpperCase() + name.slice(1), groups: ["sellers"] });

const listen = (server) => new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));
let handleOidc, handleSaml;
const oidcServer = http.createServer((request, response) => handleOidc(request, response));
const samlServer = http.createServer((request, response) => handleSaml(request, response));
const oidcAt = `http://127.0.0.1:${await listen(oidcServer)}`;
const samlAt = `http://127.0.0.1:${await listen(samlServer)}`;
console.log(JSON.stringify({ oidc: oidcAt, saml: samlAt }));

const [line] = await new Promise((done) => createInterface({ input: process.stdin }).once("line", (text) => done([text])));
const asked = JSON.parse(line);
process.stdin.once("end", () => process.exit(0));

const provider = new Provider(oidcAt, {
    clients: [{ grant_types: ["authorization_code"], response_types: ["code"], ...asked.oidc }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
    pkce: { required: () => true },
    cookies: { keys: [randomUUID()] },
    findAccount: (_context, id) => ({ accountId: id, claims: async () => ({ sub: id, email_verified: true, ...people(id) }) }),
});
handleOidc = provider.callback();

samlify.setSchemaValidator({ validate: async () => "no schema here" });
const { binding } = samlify.Constants.namespace;
const template = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{ID}" Version="2.0" IssueInstant="{Now}" Destination="{Acs}" InResponseTo="{Request}"><saml:Issuer>{Issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{AssertionID}" Version="2.0" IssueInstant="{Now}"><saml:Issuer>{Issuer}</saml:Issuer><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{NameID}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{Until}" Recipient="{Acs}" InResponseTo="{Request}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{Now}" NotOnOrAfter="{Until}"><saml:AudienceRestriction><saml:Audience>{Audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{Now}" SessionIndex="{Session}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="email"><saml:AttributeValue>{Email}</saml:AttributeValue></saml:Attribute><saml:Attribute Name="displayName"><saml:AttributeValue>{Name}</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue>sellers</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>`;
const idp = samlify.IdentityProvider({
    entityID: `${samlAt}/metadata`,
    privateKey: asked.saml.key,
    signingCert: asked.saml.certificate,
    requestSignatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    wantAuthnRequestsSigned: true,
    wantLogoutRequestSigned: true,
    wantLogoutResponseSigned: true,
    isAssertionEncrypted: false,
    nameIDFormat: ["urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"],
    singleSignOnService: [{ Binding: binding.redirect, Location: `${samlAt}/sso` }],
    singleLogoutService: [{ Binding: binding.redirect, Location: `${samlAt}/slo` }],
    loginResponseTemplate: { context: template, attributes: [] },
});
const party = samlify.ServiceProvider({ metadata: asked.saml.metadata });

const page = (body) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Login</title><body>${body}</body></html>`;
const show = (response, body) => response.writeHead(200, { "Content-Type": "text/html" }).end(page(body));

async function saml(request, response) {
    const url = new URL(request.url, samlAt);
    const query = Object.fromEntries(url.searchParams);
    // What the signature of the redirect binding covers, exactly as it was sent.
    const octetString = url.search.slice(1).split("&").filter((pair) => !pair.startsWith("Signature=")).join("&");
    if (url.pathname === "/metadata") {
        response.writeHead(200, { "Content-Type": "application/xml" }).end(idp.getMetadata());
    } else if (url.pathname === "/sso" && !query.person) {
        const kept = url.search.slice(1).split("&").map((pair) => pair.split("=").map(decodeURIComponent));
        const fields = kept.map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`).join("");
        show(response, `<form><h1>SAML login</h1>${fields}<input name="person" aria-label="person"><button>Sign in</button></form>`);
    } else if (url.pathname === "/sso") {
        const { person, ...sent } = query;
        const signed = ["SAMLRequest", "RelayState", "SigAlg"].filter((name) => name in sent);
        const octets = signed.map((name) => `${name}=${encodeURIComponent(sent[name])}`).join("&");
        const { extract } = await idp.parseLoginRequest(party, "redirect", { query: sent, octetString: octets });
        const known = people(person);
        const acs = party.entityMeta.getAssertionConsumerService("post");
        const values = {
            ID: `_${randomUUID()}`, AssertionID: `_${randomUUID()}`, Session: `_${randomUUID()}`,
            Now: new Date().toISOString(), Until: new Date(Date.now() + 300_000).toISOString(),
            Issuer: idp.entityMeta.getEntityID(), Audience: party.entityMeta.getEntityID(),
            Acs: acs, Request: extract.request.id, NameID: person, Email: known.email, Name: known.name,
        };
        const fill = (text) => ({ id: values.ID, context: samlify.SamlLib.replaceTagsByValue(text, values) });
        const made = await idp.createLoginResponse(party, { extract }, "post", known, fill);
        show(response, `<form method="post" action="${acs}"><input type="hidden" name="SAMLResponse" value="${made.context}"><button>Go on</button></form><script>document.forms[0].submit()</script>`);
    } else if (url.pathname === "/slo") {
        const { extract } = await idp.parseLogoutRequest(party, "redirect", { query, octetString });
        const made = idp.createLogoutResponse(party, { extract }, "redirect", query.RelayState || "");
        response.writeHead(302, { Location: made.context }).end();
    } else {
        response.writeHead(404).end();
    }
}
handleSaml = (request, response) => saml(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500, { "Content-Type": "text/plain" }).end(String(error));
});
console.log("ready");
