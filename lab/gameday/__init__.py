"""Game days: scenarios that are data, played against a running lab, and judged by what the lab knows."""
