package io.pgcaravan.camel;

import org.apache.camel.Endpoint;
import org.apache.camel.spi.annotations.Component;

/** Creates {@code pgq-decode:} endpoints. */
@Component("pgq-decode")
public class DecodeComponent extends StepComponent {

    @Override
    Endpoint endpoint(String uri, String path) {
        return new DecodeEndpoint(uri, this, path);
    }
}
