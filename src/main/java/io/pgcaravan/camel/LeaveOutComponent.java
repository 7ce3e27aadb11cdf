package io.pgcaravan.camel;

import org.apache.camel.Endpoint;
import org.apache.camel.spi.annotations.Component;

/** Creates {@code pgq-leave-out:} endpoints. */
@Component("pgq-leave-out")
public class LeaveOutComponent extends StepComponent {

    @Override
    Endpoint endpoint(String uri, String path) {
        return new LeaveOutEndpoint(uri, this, path);
    }
}
