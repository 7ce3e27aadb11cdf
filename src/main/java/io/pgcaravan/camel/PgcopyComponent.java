package io.pgcaravan.camel;

import org.apache.camel.Endpoint;
import org.apache.camel.spi.annotations.Component;

/** Creates {@code pgq-copy:} endpoints. */
@Component("pgq-copy")
public class PgcopyComponent extends StepComponent {

    @Override
    Endpoint endpoint(String uri, String path) {
        return new PgcopyEndpoint(uri, this, path);
    }
}
