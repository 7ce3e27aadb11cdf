package io.pgcaravan.camel;

import org.apache.camel.Endpoint;
import org.apache.camel.spi.annotations.Component;

/** Creates {@code pgcopy:} endpoints. */
@Component("pgcopy")
public class PgcopyComponent extends StepComponent {

    @Override
    Endpoint endpoint(String uri, String path) {
        return new PgcopyEndpoint(uri, this, path);
    }
}
