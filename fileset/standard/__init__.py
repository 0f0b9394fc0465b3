"""Tables of the Standard: record types, hierarchy and SOP classes. Data only."""
