package io.pgcaravan.camel;

import org.apache.camel.Endpoint;
import org.apache.camel.spi.annotations.Component;

/** Creates {@code pg-change-set:} endpoints. */
@Component("pg-change-set")
public class ChangesetComponent extends StepComponent {

    @Override
    Endpoint endpoint(String uri, String path) {
        return new ChangesetEndpoint(uri, this, path);
    }
}
