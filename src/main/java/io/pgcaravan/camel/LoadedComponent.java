package io.pgcaravan.camel;

import org.apache.camel.Endpoint;
import org.apache.camel.spi.annotations.Component;

/** Creates {@code pgq-loaded:} endpoints. */
@Component("pgq-loaded")
public class LoadedComponent extends StepComponent {

    @Override
    Endpoint endpoint(String uri, String path) {
        return new LoadedEndpoint(uri, this, path);
    }
}
