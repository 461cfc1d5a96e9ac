// Draws the API's documentation from its schema. The library is a plain script of our own host: no CDN, no inline code.

export function start(root) {
    const draw = () =>
        window.SwaggerUIBundle({
            url: root.dataset.schemaUrl,
            domNode: root,
            deepLinking: true,
            persistAuthorization: false,
            docExpansion: "list",
            // The validator's badge would send the schema to somebody else's server.
            validatorUrl: null,
        });
    if (window.SwaggerUIBundle) draw();
    else window.addEventListener("load", draw, { once: true });
}
