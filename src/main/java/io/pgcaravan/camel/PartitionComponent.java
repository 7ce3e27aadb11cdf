package io.pgcaravan.camel;

import org.apache.camel.Endpoint;
import org.apache.camel.spi.annotations.Component;

/** Creates {@code pgq-partition:} endpoints. */
@Component("pgq-partition")
public class PartitionComponent extends StepComponent {

    @Override
    Endpoint endpoint(String uri, String path) {
        return new PartitionEndpoint(uri, this, path);
    }
}
