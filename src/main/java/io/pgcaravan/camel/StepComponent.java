package io.pgcaravan.camel;

import java.net.URI;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.camel.Endpoint;
import org.apache.camel.ResolveEndpointFailedException;
import org.apache.camel.support.HealthCheckComponent;
import org.apache.camel.util.URISupport;
import org.apache.camel.util.UnsafeUriCharactersEncoder;

/**
 * Creates endpoints whose names and options arrive as they are written: names of tables and columns may hold {@code +} and
 * {@code %}, which Camel would take for a space and an escape.
 */
abstract class StepComponent extends HealthCheckComponent {

    /** @param path what stands between the scheme and the options */
    abstract Endpoint endpoint(String uri, String path);

    @Override
    public boolean useRawUri() {
        return true;
    }

    /** Camel's parser makes no map for further options where a URI has none; it drops this one again. */
    private static final String NO_OPTION = "?hash=0";

    /** A URI that a step computes ({@code toD}) comes encoded, and with {@code ://}. */
    @Override
    public Endpoint createEndpoint(String uri, Map<String, Object> properties) throws Exception {
        int scheme = uri.indexOf("://");
        if (scheme < 0 || scheme != uri.indexOf(':')) {
            return super.createEndpoint(properties == null || uri.contains("?") ? uri : uri + NO_OPTION, properties);
        }
        URI encoded = new URI(UnsafeUriCharactersEncoder.encode(uri));
        String options = URISupport.parseParameters(encoded).entrySet().stream()
                .map(option -> option.getKey() + "=" + raw(String.valueOf(option.getValue())))
                .collect(Collectors.joining("&"));
        String path = URISupport.extractRemainderPath(encoded, false);
        return super.createEndpoint(
                uri.substring(0, scheme + 1) + path + (options.isEmpty() ? "" : "?" + options), properties);
    }

    private static String raw(String value) {
        return value.startsWith("#") || value.startsWith("RAW(") ? value : "RAW(" + value + ")";
    }

    @Override
    protected Endpoint createEndpoint(String uri, String encodedPath, Map<String, Object> parameters) throws Exception {
        int options = uri.indexOf('?');
        Endpoint endpoint = endpoint(
                uri.replace(NO_OPTION, ""), uri.substring(uri.indexOf(':') + 1, options < 0 ? uri.length() : options));
        setProperties(endpoint, parameters);
        return endpoint;
    }

    @Override
    protected void validateParameters(String uri, Map<String, Object> unknown, String prefix) {
        if (prefix != null) {
            super.validateParameters(uri, unknown, prefix);
        } else if (!unknown.isEmpty()) {
            throw new ResolveEndpointFailedException(
                    uri,
                    "there is no option " + String.join(", ", unknown.keySet())
                            + "; a value that holds & has to be written RAW(value)");
        }
    }
}
