package io.sluice.dns;

import org.xbill.DNS.Name;
import org.xbill.DNS.Record;

/** What a zone knows of a name. */
sealed interface Found {

    /** The name is in none of our zones. */
    record Outside() implements Found {
        static final Outside INSTANCE = new Outside();
    }

    /**
     * The name is in one of our zones and does not exist there.
     *
     * @param own whether nobody upstream can know better: false for reverse names outside our ranges
     */
    record Missing(Apex apex, boolean own) implements Found {}

    /** The name exists, with or without records. */
    record Present(Apex apex, Node node) implements Found {}

    /**
     * The top of one zone.
     *
     * @param soa for the authority section of negative answers
     */
    record Apex(Name origin, Record soa) {}
}
